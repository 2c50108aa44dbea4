import { parseArgs } from 'node:util'
import { version } from 'taximeter'

const help = `taximeter: usage metering

usage: taximeter [--help] [--version]`

const { values } = parseArgs({ options: { help: { type: 'boolean' }, version: { type: 'boolean' } } })

console.log(values.version ? version() : help)
