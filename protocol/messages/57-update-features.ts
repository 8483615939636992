import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Raises or lowers finalized features (metadata.version, transaction.version, …); level 0 removes one. */
export const UpdateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2', // 1 upgrade type, dry run · 2 no result per feature
  flexible: '0+',
  request: {
    timeoutMs: int32().default(60000),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+').default(1),
    }),
    validateOnly: bool('1+').default(false),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    results: array({ feature: string(), errorCode: int16(), errorMessage: string().nullable() }, '0-1').ignorable(),
  },
})
export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof UpdateFeatures>
