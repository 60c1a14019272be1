// Loaded into each server: tells the runner over the IPC channel how much CPU time and memory the process has used.
process.on('message', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  process.send({ cpu: userCPUTime + systemCPUTime, peak: maxRSS, now: process.memoryUsage.rss() / 1024 })
})
process.channel?.unref()
