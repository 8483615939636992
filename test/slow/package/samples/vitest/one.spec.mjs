import { broker } from 'odradek/vitest'
import { expect, inject, test } from 'vitest'
import { everySample } from './meeting.mjs'

everySample({ broker, expect, test, address: inject('odradek') })
