/** How long a controller may take for what it was asked, before it says that it takes longer. */
export const ADMIN_TIMEOUT_MS = 30_000
