/** A client of ours as the harness drives it: what is not recorded or not delivered fails the run. */
export const client = (meter) => ({
  record(event) {
    const { error } = meter.record(event)
    if (error) throw error
  },
  async flush() {
    const { pending, quarantined, dropped } = await meter.flush()
    if (pending + quarantined + dropped > 0) throw new Error(`${pending} pending, ${quarantined} refused`)
  },
})
