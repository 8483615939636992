import { SOURCE } from '../../support/process.ts'
import { commandLineTests } from './command-line.ts'

commandLineTests('from source', SOURCE)
