import { connectToChannel } from './index.js'

Object.assign(window, { connectToChannel })
