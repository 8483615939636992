/** What a test did to one of several brokers; `killed` until it is started again. */
export type NodeState = 'running' | 'paused' | 'killed'
