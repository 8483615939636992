import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * What the broker can do, asked before anything else. A version that the broker lacks is answered in version 0 with
 * UNSUPPORTED_VERSION and the list, so that the client can choose again. The response header never has tagged fields.
 * Up to version 3 a feature whose minimum is 0 must be left out.
 */
export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4', // 1 throttle · 3 flexible, client name, features · 4 features from 0
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+').ignorable(),
    clientSoftwareVersion: string('3+').ignorable(),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32('1+').ignorable(),
    supportedFeatures: array({ name: string(), minVersion: int16(), maxVersion: int16() }, '3+')
      .ignorable()
      .tag(0, '3+'),
    finalizedFeaturesEpoch: int64('3+').default(-1).ignorable().tag(1, '3+'),
    finalizedFeatures: array({ name: string(), maxVersionLevel: int16(), minVersionLevel: int16() }, '3+')
      .ignorable()
      .tag(2, '3+'),
    zkMigrationReady: bool('3+').default(false).ignorable().tag(3, '3+'),
  },
})
export type ApiVersionsRequest = RequestOf<typeof ApiVersions>
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>
