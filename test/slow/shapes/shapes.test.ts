import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPlainly } from '../../../compat-tests/shapes/plain.ts'
import { shapes } from '../../../compat-tests/shapes/shapes.ts'
import { repository } from '../../support/process.ts'

describe('files of the field, with our image in the place of their Kafka image', () => {
  it.concurrent.each(shapes)('$name: $what', (shape) => runPlainly(shape))

  it('each folder of files has a shape', () => {
    const folders = readdirSync(path.join(repository, 'compat-tests/shapes/files'))
    expect(shapes.map(({ file }) => path.dirname(file)).sort()).toEqual(folders.sort())
  })
})
