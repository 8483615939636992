module.exports = {
  globalSetup: 'odradek/jest/setup',
  globalTeardown: 'odradek/jest/teardown',
  setupFilesAfterEnv: ['odradek/jest/reset'],
}
