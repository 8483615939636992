/** A setting that the broker cannot start with. The message names the setting, its value and what is allowed. */
export class ConfigError extends Error {
  readonly setting: string

  constructor(setting: string, message: string) {
    super(message)
    this.name = 'ConfigError'
    this.setting = setting
  }
}
