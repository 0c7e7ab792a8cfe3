/**
 * OpenTelemetry traces: one for each request. It takes the package `@opentelemetry/api`.
 *
 * @module firstbyte/otel
 */
export * from '../../../dist/otel/traces.js';
