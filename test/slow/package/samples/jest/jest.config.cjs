module.exports = {
  testMatch: ['<rootDir>/*.spec.cjs'],
  globalSetup: './setup.cjs',
  globalTeardown: 'odradek/jest/teardown',
  setupFilesAfterEnv: ['odradek/jest/reset'],
  cacheDirectory: './cache',
  maxWorkers: 2,
  testTimeout: 60_000,
}
