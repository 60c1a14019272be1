// Loaded into each server: tells the runner over the IPC channel how much CPU time the process has used.
process.on('message', () => process.send(process.cpuUsage()))
process.channel?.unref()
