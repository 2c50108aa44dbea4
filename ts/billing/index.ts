/** `taximeter/billing`: what needs no core. */
export { type Estimate, type EstimateRequest, estimate, heuristicTokens, type Pricing } from './estimate'
export { extend, type Override, type Prices } from './extend'
export { format } from './format'
export { fromDodo, fromLago, fromOpenMeter, fromStripe, type Imported } from './import'
export { type RefreshOptions, refresh } from './refresh'
