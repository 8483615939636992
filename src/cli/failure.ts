import { ClientError } from '../client/client-error.ts'
import { ConfigError } from '../config/config-error.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import { CommandError } from './command-error.ts'
import { UsageError } from './usage-error.ts'

/** One line for what a person can put right, a stack for what is our fault. */
export function describeFailure(error: unknown): string {
  if (isForPerson(error)) return `odradek: ${explain(error)}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function isForPerson(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    error instanceof ConfigError ||
    error instanceof StorageError ||
    error instanceof ClientError ||
    error instanceof CommandError ||
    isSystemError(error)
  )
}

interface SystemError extends NodeJS.ErrnoException {
  readonly code: string
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read or write it',
  EPERM: 'this user may not read or write it',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
  EISDIR: 'it is a folder, not a file',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many files are open: raise the limit of this user (ulimit -n)',
}

export function reasonOf(error: SystemError): string {
  return REASONS[error.code] ?? error.message
}

function explain(error: Error): string {
  if (error instanceof UsageError) return `${error.message} (${['odradek', ...error.path].join(' ')} --help tells more)`
  if (!isSystemError(error)) return error.message
  const { code, port, path, hostname } = error
  if (code === 'EADDRINUSE') {
    return `port ${port} is in use by another program; stop it, or choose another port with --port`
  }
  if (code === 'EACCES' && port !== undefined) return `this user may not listen on port ${port}; choose one above 1023`
  if (code === 'EADDRNOTAVAIL') return `listeners: no network interface here has the address ${error.address}`
  if (code === 'ENOTFOUND') return `listeners: nobody knows the host ${hostname}`
  if (path !== undefined) return `cannot use ${path}: ${reasonOf(error)}`
  return error.message
}
