import { connections } from './sharing.js'
import { tabs } from './tabs.js'

connections.add(tabs)

export * from './index.js'
