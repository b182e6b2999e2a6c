// The shapes of all answers. Endpoints and the client take their types from here; the schemas are for the OpenAPI document alone, so that no
// other function builds them.
import * as z from 'zod'
import { type ProblemCode, problems } from './errors.ts'
import { outputKinds } from './recipe.ts'
import { gateReasons, statuses, stepStatuses, taskErrorCodes } from './task.ts'

export const instant = z.string().meta({ format: 'date-time' })
const address = z.string().meta({ format: 'uri-reference' })

/** In millionths of a US dollar. */
export const micros = z.int()

export const fileViewSchema = z.object({
  name: z.string(),
  type: z.string(),
  size: z.int().meta({ description: 'in bytes' }),
  url: address,
})

export const attemptViewSchema = z.object({
  attempt: z.int(),
  status: z.enum(stepStatuses),
  chosen: z.boolean().meta({ description: 'what it made is the result of its step' }),
  chosen_file: z
    .int()
    .nullable()
    .meta({ description: 'which of its files that is, from 1; null where it is not chosen' }),
  files: z
    .array(fileViewSchema)
    .meta({ description: 'everything that it made, several where candidates were asked for' }),
  result_url: address.nullable(),
  cost_micros: micros.nullable().meta({ description: 'what it has cost; null until it is known' }),
  seed: z
    .int()
    .nullable()
    .meta({ description: 'what it was given for a seed, where its model takes one; null for older attempts' }),
  change: z.custom<Record<string, unknown> | null>().meta({
    type: ['object', 'null'],
    description: 'what it was asked for otherwise than the task was started with; its pictures are not shown',
  }),
  candidates: z.int().meta({ description: 'how many pictures it was asked for' }),
  submitted_at: instant.nullable(),
  finished_at: instant.nullable(),
})

export const stepViewSchema = z.object({
  step: z.int(),
  status: z.enum(stepStatuses),
  attempt: z.int().meta({ description: 'the newest; `redo` names it' }),
  result_url: address.nullable().meta({ description: 'of the attempt, and the file, that is chosen' }),
  files: z.array(fileViewSchema).meta({ description: 'everything that the chosen attempt made' }),
  prediction_id: z.string().nullable(),
  submitted_at: instant.nullable(),
  finished_at: instant.nullable(),
  attempts: z
    .array(attemptViewSchema)
    .meta({ description: 'every submission of the step, oldest first, the open one included' }),
})

export const taskViewSchema = z.object({
  task_id: z.uuid(),
  recipe: z.string(),
  status: z.enum(statuses),
  current_step: z
    .int()
    .meta({ description: '0 before the first submission, then the step that runs or was last shown' }),
  total_steps: z.int(),
  intermediate_result: address
    .nullable()
    .meta({ description: 'the newest stored result of an unfinished, failed or canceled task' }),
  result_url: address.nullable().meta({ description: 'the result of a completed task' }),
  error_code: z.enum(taskErrorCodes).nullable(),
  error_message: z.string().nullable(),
  gate_reason: z
    .enum(gateReasons)
    .nullable()
    .meta({ description: 'why a task waits for continue though its gates open by themselves' }),
  cost: z
    .object({
      estimated_micros: micros
        .nullable()
        .meta({ description: 'of all steps, each made once; null where it is not known' }),
      steps_micros: z
        .array(micros.nullable())
        .nullable()
        .meta({ description: 'of each step, every time that it is made; null where it is not known' }),
      settled_micros: micros.meta({ description: 'of all attempts that are over' }),
    })
    .meta({ description: 'in millionths of a US dollar' }),
  steps: z.array(stepViewSchema),
  created_at: instant,
  updated_at: instant,
  finished_at: instant.nullable(),
  poll_after_ms: z.int().nullable().meta({ description: 'when to ask again; null once the task is over' }),
})

export const sessionSchema = z.object({
  user_id: z.string(),
  token: z.string(),
  expires_at: instant,
  telegram: z.boolean().meta({ description: 'whether there is a bot: /api/telegram-link links a chat' }),
})

export const startedSchema = z.object({
  task_id: z.uuid(),
  status: z.enum(statuses),
  current_step: z.int(),
  total_steps: z.int(),
  status_url: address,
  estimated_time_seconds: z.number(),
})

export const taskPageSchema = z.object({
  tasks: z.array(taskViewSchema),
  next_cursor: z.uuid().nullable().meta({ description: 'the cursor of the next page; null on the last' }),
})

export const uploadedSchema = z.object({
  url: address.meta({ description: 'to be named in an image field of start' }),
})

export const pushOfferSchema = z.object({
  public_key: z.string().nullable().meta({ description: 'what a browser subscribes with; null: push is off here' }),
})

export const spendingStates = z.enum(['allowed', 'stopped'])

export const usageSchema = z.object({
  day: z.object({
    spent_micros: micros.meta({ description: 'what was paid today (UTC)' }),
    reserved_micros: micros.meta({ description: 'what is kept for attempts and steps that are not over' }),
    limit_micros: micros.nullable().meta({ description: 'null: there is no limit of a user' }),
    left_micros: micros.nullable().meta({ description: 'of this limit, and of the whole deployment’s' }),
    resets_at: instant,
  }),
  month: z.object({ spent_micros: micros }),
  spending: spendingStates,
})

export const telegramLinkSchema = z.object({
  url: z.string().meta({ format: 'uri', description: 'opens the chat with the bot; good once, for ten minutes' }),
  expires_at: instant,
})

export const telegramLinksSchema = z.object({
  offered: z.boolean().meta({ description: 'whether this deployment has a bot' }),
  chats: z
    .array(
      z.object({ name: z.string().meta({ description: 'as the person is called at Telegram' }), linked_at: instant }),
    )
    .meta({ description: 'that are told of the user’s tasks' }),
})

const jsonSchema = z.record(z.string(), z.unknown())

export const recipeViewSchema = z.object({
  name: z.string(),
  provider: z.string(),
  input_schema: jsonSchema.meta({
    description: 'JSON Schema of the recipe’s own fields of start; `x-file` names what a field’s file is',
  }),
  gate: z.enum(['manual', 'auto']).meta({ description: 'manual: each step but the last waits for continue' }),
  candidates: z.int().meta({ description: 'how many pictures one attempt may make at most' }),
  changes_schema: jsonSchema.nullable().meta({ description: 'of `change` at redo and continue; null: there is none' }),
  from: z
    .object({ field: z.string(), recipe: z.string().nullable() })
    .nullable()
    .meta({ description: 'the field that a result of one’s own may fill, and of which recipe; null: of any' }),
  price: z.object({
    estimated_micros: micros.nullable().meta({ description: 'of the example, all its steps; null: not known' }),
    from: z.string().nullable().meta({ format: 'uri', description: 'the page that tells the price' }),
    as_of: z.string().nullable().meta({ format: 'date', description: 'the day on which it did' }),
    steps: z.int().meta({ description: 'how many steps the example has' }),
    by_option: z.record(z.string(), z.record(z.string(), micros)).meta({
      description: 'what the example costs with another option, by field and option',
    }),
  }),
  outputs: z.array(z.enum(outputKinds)).meta({ description: 'what its steps make' }),
  example: z.unknown().meta({ description: 'an input as a caller writes it' }),
  step_seconds: z.number().meta({ description: 'what a step usually takes' }),
  exclusive: z.enum(['user', 'global']).nullable().meta({ description: 'one unfinished task of a user, or in all' }),
  licence: z.string().nullable().meta({ description: 'where it forbids commercial use' }),
})

export const recipesSchema = z.object({ recipes: z.array(recipeViewSchema) })

export const thankedSchema = z.object({ message: z.string().meta({ description: 'the same for people' }) })

const codes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]]

/** RFC 9457. Programs switch on `code`. */
export const problemSchema = z.object({
  type: z.string().meta({ format: 'uri' }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(codes),
  errors: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .optional()
    .meta({ description: 'one entry a wrong field' }),
  resets_at: z
    .string()
    .optional()
    .meta({ format: 'date-time', description: 'with quota_exceeded and budget_exceeded: when the day is over' }),
  site_key: z.string().optional().meta({ description: 'with human_check_required: of Turnstile’s widget' }),
  asked_micros: micros.optional().meta({ description: 'with budget_exceeded: what it would have cost' }),
  left_micros: micros.optional().meta({ description: 'with budget_exceeded: what is left today' }),
  task_id: z.uuid().nullish().meta({ description: 'with already_running: the task that is' }),
})

export type RecipeView = z.infer<typeof recipeViewSchema>
export type RecipesAnswer = z.infer<typeof recipesSchema>
export type AttemptView = z.infer<typeof attemptViewSchema>
export type StepView = z.infer<typeof stepViewSchema>
export type TaskView = z.infer<typeof taskViewSchema>
export type PushOffer = z.infer<typeof pushOfferSchema>
export type Session = z.infer<typeof sessionSchema>
export type Started = z.infer<typeof startedSchema>
export type TelegramLink = z.infer<typeof telegramLinkSchema>
export type TelegramLinks = z.infer<typeof telegramLinksSchema>
export type Usage = z.infer<typeof usageSchema>
export type TaskPage = z.infer<typeof taskPageSchema>
export type Uploaded = z.infer<typeof uploadedSchema>
export type Problem = z.infer<typeof problemSchema>
