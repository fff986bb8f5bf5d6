import { connectToChannel } from './index.js'
import { connections } from './sharing.js'
import { tabs } from './tabs.js'

connections.add(tabs);

(globalThis as { connectToChannel?: typeof connectToChannel }).connectToChannel = connectToChannel
