/** The whole client, as the npm package has it: what the product's page loads, and what goes beside calls. */
export * from './index.ts';
export * from './beside.ts';
export type * from './ways.ts';
