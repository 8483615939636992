import type { CommandGroup } from '../command.ts'
import { setConfigs, unsetConfigs } from './alter.ts'
import { describeConfigs } from './describe.ts'

export const configs: CommandGroup = {
  name: 'configs',
  about: 'show and change settings of topics, brokers and groups',
  commands: [describeConfigs, setConfigs, unsetConfigs],
}
