/** The broker broke a promise, or a simulated client saw what must not be. */
export class Violation extends Error {}
