import type { ErrorCode } from '../../protocol/errors.ts'
import type { AlteredResource } from '../metadata/alter-configs.ts'

/** The answers of AlterConfigs and IncrementalAlterConfigs have one shape. */
export function alteredResponses(altered: readonly AlteredResource[]) {
  return altered.map(({ type, name, error, message }) => ({
    errorCode: error,
    errorMessage: message,
    resourceType: type,
    resourceName: name,
  }))
}

export function failedAlterations(
  resources: readonly { readonly resourceType: number; readonly resourceName: string }[],
  errorCode: ErrorCode,
) {
  return resources.map(({ resourceType, resourceName }) => ({
    errorCode,
    errorMessage: null,
    resourceType,
    resourceName,
  }))
}
