import type { VersionRange } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import {
  ApiVersions,
  type ApiVersionsRequest,
  type ApiVersionsResponse,
} from '../../protocol/messages/18-api-versions.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { type ApiEntry, apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** The layout that every client reads, whatever version it asked for. */
export const OLDEST_VERSION = 0
/** From here on the client says what it is, and learns of features. */
const SOFTWARE_NAME_VERSION = 3
/** From here on a feature may have level 0: Java clients before 4.0 refuse to connect when they are told of one. */
const LEVEL_0_VERSION = 4
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

interface FeatureRange {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

/**
 * Levels that this broker can work at. metadata.version 7 is Kafka 3.3, the first without ZooKeeper; 30 is 4.3.
 * transaction.version 2 is KIP-890: partitions join by the first write, and each transaction has its own epoch.
 */
const SUPPORTED_FEATURES: readonly FeatureRange[] = [
  { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
]
const FEATURES_FROM_LEVEL_1 = SUPPORTED_FEATURES.filter(({ minVersion }) => minVersion > 0)

/** `served` gives the table of all APIs, this one included: exactly what is served is advertised. */
export function apiVersions(served: () => Iterable<ApiEntry>): ApiEntry<typeof ApiVersions> {
  let apiKeys: ApiVersionsResponse['apiKeys'] | undefined
  return apiEntry(ApiVersions, {
    handle: (context, request) => {
      if (!introduce(context, request)) return failure(ErrorCode.INVALID_REQUEST)
      apiKeys ??= rangesOf(served())
      return answer(context, apiKeys)
    },
    fail: (_request, error) => failure(error),
  })
}

/** For a version that is not served: the client picks one from the range and asks again on the same connection. */
export function unsupportedVersion({ min, max }: VersionRange): ApiVersionsResponse {
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: ApiVersions.key, minVersion: min, maxVersion: max }],
  }
}

/** Remembers what the client calls itself; false when that is not a name. */
function introduce({ apiVersion, connection }: RequestContext, request: ApiVersionsRequest): boolean {
  if (apiVersion < SOFTWARE_NAME_VERSION) return true
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (!SOFTWARE_NAME.test(clientSoftwareName) || !SOFTWARE_NAME.test(clientSoftwareVersion)) return false
  connection.clientSoftwareName = clientSoftwareName
  connection.clientSoftwareVersion = clientSoftwareVersion
  return true
}

function answer({ apiVersion, broker }: RequestContext, apiKeys: ApiVersionsResponse['apiKeys']): ApiVersionsResponse {
  const { image } = broker.metadata
  return {
    errorCode: ErrorCode.NONE,
    apiKeys,
    throttleTimeMs: 0,
    supportedFeatures: apiVersion < LEVEL_0_VERSION ? FEATURES_FROM_LEVEL_1 : SUPPORTED_FEATURES,
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: finalized(image),
  }
}

function failure(errorCode: ErrorCode): ApiVersionsResponse {
  return { errorCode, apiKeys: [] }
}

function rangesOf(entries: Iterable<ApiEntry>): ApiVersionsResponse['apiKeys'] {
  return [...entries]
    .map(({ api, advertised }) => ({ apiKey: api.key, minVersion: advertised.min, maxVersion: advertised.max }))
    .sort((a, b) => a.apiKey - b.apiKey)
}

/** A feature at level 0 is left out: absent and 0 mean the same. */
function finalized({ features }: MetadataImage): NonNullable<ApiVersionsResponse['finalizedFeatures']> {
  return SUPPORTED_FEATURES.flatMap(({ name }) => {
    const level = features.get(name) ?? 0
    return level > 0 ? [{ name, maxVersionLevel: level, minVersionLevel: level }] : []
  })
}
