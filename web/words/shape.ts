// What each language must say: every problem code and every task error has a sentence of what happened and one of what to do.
import type { TaskErrorCode } from '../../core/task.ts'
import type { ErrorCode } from '../client.ts'
import type { en } from './en.ts'

type HappenedAndHelp = readonly [happened: string, help: string]

export type ProblemWords = Record<ErrorCode, HappenedAndHelp>
export type TaskErrorWords = Record<TaskErrorCode, HappenedAndHelp>
export type Words = typeof en
