// CPU time and memory of processes, as Linux counts them.
import { readFileSync, readdirSync } from 'node:fs'

// USER_HZ: the unit of /proc/<pid>/stat, 100 a second on every Linux ABI that Node runs on.
const MICROSECONDS_PER_TICK = 10_000

/** The process and all its descendants (nginx: the master and its worker). */
export function processTree (root) {
  const tree = [root]
  for (const pid of tree) tree.push(...childrenOf(pid))
  return tree
}

/** CPU time, user and system, that the processes have used so far, in microseconds; all threads count. */
export function cpuMicroseconds (pids) {
  return sum(pids, (pid) => {
    const [, , , , , , , , , , , user, system] = statFields(pid)
    return (Number(user) + Number(system)) * MICROSECONDS_PER_TICK
  })
}

/** Resident memory of the processes, in bytes. */
export function residentBytes (pids) {
  return sum(pids, (pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024)
}

/** How many files this user's processes may have open, the hard limit. */
export function openFilesLimit () {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return limit === 'unlimited' ? Infinity : Number(limit)
}

function childrenOf (parent) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return Number(statFields(pid)[1]) === parent
    } catch {
      return false
    }
  })
}

// The fields after the name, which stands in parentheses and may hold anything: state, parent, …
function statFields (pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function sum (values, of) {
  return values.reduce((total, value) => total + of(value), 0)
}
