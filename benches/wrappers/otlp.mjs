/** Instrumentations of OpenTelemetry: their spans go out over OTLP and are read where they arrive. */
import { metrics } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

export function tracerProvider(url) {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
  return new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] })
}

/** The attributes of every span that arrived. */
export function spans(received) {
  return received
    .flatMap(({ body }) => body?.resourceSpans ?? [])
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ attributes = [] }) => Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)])))
}

const plain = ({ intValue, doubleValue, stringValue }) =>
  intValue !== undefined ? Number(intValue) : (doubleValue ?? stringValue)

/** The start of a wrapper that patches the SDK's classes for the whole process: the client itself stays as it is. */
export function patching(Instrumentation, module) {
  let instrumentation
  return (url) => {
    const provider = tracerProvider(url)
    if (!instrumentation) {
      instrumentation = new Instrumentation()
      // Not every one has a way to be given the module; what it does to it when it is loaded, all have.
      if (instrumentation.manuallyInstrument) instrumentation.manuallyInstrument(module)
      else for (const definition of instrumentation.init()) definition.patch(module)
    }
    instrumentation.setTracerProvider(provider)
    instrumentation.setMeterProvider(metrics.getMeterProvider())
    return { openai: (client) => client, isPatched: true, flush: () => provider.forceFlush() }
  }
}
