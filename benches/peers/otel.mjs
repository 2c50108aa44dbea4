/** A span an event, BatchSpanProcessor with its default batch of 512 and a queue large enough for a burst; OTLP as JSON. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

export function create(url, batch = 512) {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
  const processor = new BatchSpanProcessor({ exporter, maxQueueSize: 20_000, maxExportBatchSize: batch })
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('bench')
  return {
    record: ({ type, subject, data }) => tracer.startSpan(type, { attributes: { subject, ...data } }).end(),
    flush: () => processor.forceFlush(),
  }
}
