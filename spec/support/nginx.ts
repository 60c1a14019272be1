import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from './folder.js'
import { freePort } from './listen.js'
import { until } from './until.js'

const running = new Set<ChildProcess>()

/**
 * Starts nginx in front of a server, as a package of a distribution has it: only what `location` says is set.
 *
 * @param port of the server behind it
 * @param location directives, such as `gzip on;`
 * @returns its URL
 */
export async function startNginx(port: number, location = ''): Promise<string> {
  const folder = await makeFolder()
  const front = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/${name};`,
  )
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${front};
    location / { proxy_pass http://127.0.0.1:${port}; ${location} }
  }
}
`,
  )
  const nginx = spawn(process.env.NGINX ?? '/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  running.add(nginx)
  const url = `http://127.0.0.1:${front}`
  let up = false
  const ask = async (): Promise<void> => {
    while (!up)
      up = await fetch(url).then(
        () => true,
        () => new Promise(resolve => setTimeout(resolve, 20, false)),
      )
  }
  const failed = once(nginx, 'error').then(([error]) => Promise.reject(error))
  await Promise.race([ask(), failed, until(() => up, 'nginx')])
  return url
}

/** Stops every nginx: for `afterEach`. */
export async function stopNginx(): Promise<void> {
  await Promise.all(
    [...running].map(async nginx => {
      nginx.kill('SIGKILL')
      if (nginx.exitCode === null && nginx.signalCode === null) await once(nginx, 'exit')
    }),
  )
  running.clear()
}
