/** Loaded before the broker, with a line of it made wrong: node --require. */
import { mutate } from '../../test/support/mutations.ts'

const name = process.env['ODRADEK_MUTATION']
// The launcher's own children, and whatever else Node runs meanwhile, stay as they are.
if (name !== undefined && process.argv[1]?.endsWith('odradek.cjs')) mutate(name)
