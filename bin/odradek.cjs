#!/usr/bin/env node
// Plain old JavaScript on purpose: this file must load on an old Node too, to find one that is new enough or say what to do.
'use strict'

const fs = require('fs')
const path = require('path')
const nodeModule = require('module')

const NEEDED_MAJOR = 22
const NEEDED_MINOR = 18

const root = path.join(__dirname, '..')
/** Two programs, so that the start of a broker does not pay for the tools: `odradek topics …` is one of these. */
const first = process.argv[2]
const isBroker = first === undefined || first === 'start' || first === 'help' || first.charAt(0) === '-'
const source = path.join(root, 'src', isBroker ? 'main.ts' : 'tools.ts')
const bundle = path.join(root, 'dist', isBroker ? 'odradek.cjs' : 'tools.cjs')
const program = fs.existsSync(source) ? source : bundle

function isFit(version) {
  const parts = version.split('.').map(Number)
  return parts[0] > NEEDED_MAJOR || (parts[0] === NEEDED_MAJOR && parts[1] >= NEEDED_MINOR)
}

/** The npm package `node` brings a runtime of its own; it may be beside us or among our own modules. */
function broughtNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const places = [path.join(root, 'node_modules', 'node', 'bin', name), path.join(root, '..', 'node', 'bin', name)]
  return places.find((place) => fs.existsSync(place)) || null
}

function runWith(node) {
  const childProcess = require('child_process')
  // Over the channel the broker notices when this process is killed, and does not outlive it.
  const child = childProcess.spawn(node, [program].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign({}, process.env, { ODRADEK_LAUNCHED: '1' }),
  })
  function forward(signal) {
    process.on(signal, () => {
      child.kill(signal)
    })
  }
  forward('SIGTERM')
  forward('SIGINT')
  forward('SIGHUP')
  child.on('exit', (code, signal) => {
    process.exit(signal ? 1 : code)
  })
}

/** Between `npm start` and us stands a shell that dies of a signal without passing it on. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start' || process.env.npm_package_name !== 'odradek') return
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }, 200).unref()
}

endWithNpm()
if (isFit(process.versions.node)) {
  // Compiled code is kept from start to start: beside our own modules and not in the folder for temporary files,
  // where somebody else could have put something in its place. A folder that cannot be written costs only time.
  nodeModule.enableCompileCache(path.join(root, 'node_modules', '.cache', 'odradek'))
  require(program)
} else {
  const node = broughtNode()
  if (node === null) {
    const needed = `${NEEDED_MAJOR}.${NEEDED_MINOR}`
    console.error(`Odradek needs Node.js ${needed} or newer, and this is ${process.versions.node}.`)
    console.error('Install a newer Node.js (nodejs.org), or run `npm install node@24` beside Odradek.')
    process.exit(1)
  }
  runWith(node)
}
