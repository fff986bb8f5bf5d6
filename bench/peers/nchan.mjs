import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFilesLimit } from '../measure/process.mjs'
import { scratchDirectory } from '../process/children.mjs'

const HISTORY = 100
const CONNECTIONS = 65_536

function nchan (id, name, transport) {
  return {
    id,
    name,
    get version () { return `${nginx().version}, nchan of the distribution` },
    transport,
    protocol: 'plain',
    envelope: 'publisher',
    missing () {
      const { version, module } = nginx()
      if (version === undefined) return 'nginx is not installed (Debian: apt-get install libnginx-mod-nchan)'
      if (!existsSync(module)) return 'nginx has no nchan module (Debian: apt-get install libnginx-mod-nchan)'
    },
    launch (port, token) {
      const directory = scratchDirectory()
      const file = join(directory, 'nginx.conf')
      writeFileSync(file, configuration(nginx().module, port, token))
      return { command: 'nginx', args: ['-p', directory, '-c', file, '-e', 'stderr'] }
    }
  }
}

export const nchanWebSocket = nchan('nchan', 'nginx + nchan', 'websocket')
export const nchanSse = nchan('nchan-sse', 'nginx + nchan, SSE', 'sse')

let found
function nginx () {
  if (found === undefined) {
    const { stderr } = spawnSync('nginx', ['-V'], { encoding: 'utf8' })
    found = {
      version: /nginx version: (\S+)/.exec(stderr ?? '')?.[1],
      module: join(/--modules-path=(\S+)/.exec(stderr ?? '')?.[1] ?? '/usr/lib/nginx/modules', 'ngx_nchan_module.so')
    }
  }
  return found
}

// One worker, as the others have one thread for JavaScript; memory store; the same history and the same bearer check.
// `user` matters only to root: the worker must be able to enter the scratch directory.
function configuration (module, port, token) {
  return `
load_module ${module};
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile ${Math.min(CONNECTIONS, openFilesLimit())};
pid nginx.pid;
error_log stderr crit;
events { worker_connections ${CONNECTIONS}; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  nchan_max_reserved_memory 256M;
  server {
    listen 127.0.0.1:${port};
    location ~ ^/send/(\\w+)$ {
      if ($http_authorization != "Bearer ${token}") { return 403; }
      nchan_publisher http;
      nchan_channel_id $1;
      nchan_message_buffer_length ${HISTORY};
      nchan_message_timeout 300s;
    }
    location ~ ^/(\\w+)$ {
      nchan_subscriber websocket eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
  }
}
`
}
