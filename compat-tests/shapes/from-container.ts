import { roundTrip } from './round-trip.ts'
import { shapes } from './shapes.ts'

// In a container beside the broker, where names lead where they lead: node from-container.ts SHAPE HOST:PORT
const [name, bootstrap] = process.argv.slice(2)
const shape = shapes.find((candidate) => candidate.name === name)
if (shape === undefined || bootstrap === undefined) throw new Error('give a shape and an address')
await roundTrip(bootstrap, null, shape)
