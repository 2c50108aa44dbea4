import { blueprint } from './blueprint'

const fields = {
  duration_ms: { type: 'integer', required: true, about: 'whole milliseconds that no other event has' },
  duration_seconds: { type: 'number', about: 'the same in seconds' },
  status: { type: 'text', about: 'running, complete, cancelled, error, or closed with its client' },
  spans: { type: 'integer', about: '1 when it ended, 0 while it runs' },
} as const

/** The time range blueprint: what `meter.time()` and `meter.span()` record. */
export const timeRange = /* @__PURE__ */ blueprint({
  name: 'time-range',
  about: 'time that something ran',
  eventType: 'time.usage',
  fields,
  meters: {
    time_duration_ms: { aggregation: 'SUM', of: 'duration_ms', unit: 'milliseconds' },
    time_duration_seconds: { aggregation: 'SUM', of: 'duration_seconds', unit: 'seconds' },
    time_spans_total: { aggregation: 'SUM', of: 'spans', groupBy: ['status'], unit: 'spans' },
  },
  prices: {
    // $0.36 an hour, by the millisecond.
    time_duration_ms: { type: 'unit', amount: '0.0000001' },
  },
})

const seconds = { type: 'number', required: true, about: 'seconds that no other event has' } as const

/** GPU seconds: `meter.span({ type: gpuTime.eventType, parallel: 8, data: { gpu_type: 'nvidia_A100' } })`. */
export const gpuTime = /* @__PURE__ */ blueprint({
  name: 'gpu-time',
  about: 'seconds that GPUs ran',
  eventType: 'gpu_time',
  fields: {
    ...fields,
    duration_ms: { type: 'integer', about: 'the same in whole milliseconds' },
    duration_seconds: seconds,
    hostname: { type: 'text', about: 'where' },
    region: { type: 'text', about: 'where' },
    gpu_type: { type: 'text', about: 'e.g. nvidia_A100' },
  },
  meters: {
    gpu_execution_duration_seconds: {
      aggregation: 'SUM',
      of: 'duration_seconds',
      groupBy: ['hostname', 'region', 'gpu_type'],
      unit: 'seconds',
    },
  },
  prices: {
    // $2.50 for an hour of a GPU.
    gpu_execution_duration_seconds: { type: 'unit', amount: '2.5', quantity: { divide_by: 3600 } },
  },
})

/** Seconds that pods ran: `meter.span({ type: podExecution.eventType, data: { pod_name, pod_namespace } })` within the pod. */
export const podExecution = /* @__PURE__ */ blueprint({
  name: 'pod-execution',
  about: 'seconds that pods of Kubernetes ran',
  eventType: 'kube-pod-exec-time',
  fields: {
    ...fields,
    duration_ms: { type: 'integer', about: 'the same in whole milliseconds' },
    duration_seconds: seconds,
    pod_name: { type: 'text', about: 'metadata.name' },
    pod_namespace: { type: 'text', about: 'metadata.namespace' },
  },
  meters: {
    pod_execution_time: {
      aggregation: 'SUM',
      of: 'duration_seconds',
      groupBy: ['pod_name', 'pod_namespace'],
      unit: 'seconds',
    },
  },
  prices: {
    pod_execution_time: { type: 'unit', amount: '0.05', quantity: { divide_by: 3600 } },
  },
})
