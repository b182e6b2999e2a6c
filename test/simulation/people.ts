// The users of a simulation: they start, look, continue, redo, cancel, press twice, retry what got no answer, and vanish.
import type { TaskView, Uploaded } from '../../core/answers.ts'
import type { Endpoint } from '../../engine/deps.ts'
import { cancel } from '../../functions/cancel.ts'
import { choose } from '../../functions/choose.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { deleteEndpoint } from '../../functions/delete.ts'
import { openSession } from '../../functions/http/users.ts'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { upload } from '../../functions/upload.ts'
import { blank } from '../../simulator/draw.ts'
import type { Activity } from './activity.ts'
import { downloadShown } from './results.ts'
import { publicUrl } from './weather.ts'
import type { World } from './world.ts'

interface Redo {
  task_id: string
  step?: number
  attempt?: number
}

export interface Person {
  name: string
  token: string
  recipe: 'try-on' | 'clip' | 'memes' | 'avatar' | 'unmarked'
  steps: number
  auto: boolean
  /** The task that she looks at: the newest that she knows was accepted. */
  taskId?: string
  accepted: string[]
  /** What she saw last. */
  seen?: TaskView
  /** A gate with several pictures, as it was shown in another window, which stays as it is. */
  otherWindow?: TaskView
  /** Everything she was ever shown, for the promise that a task only moves forward. */
  views: TaskView[]
  /** How often they asked to redo a task. A request that is sent again isn't another. */
  redone: Map<string, number>
  /** The redo that they asked for last, which may be delivered again. */
  lastRedo?: Redo
  /** One that was accepted: whenever it comes again, it changes nothing. */
  acceptedRedo?: Redo
  /** Uploads their photo before they start. */
  uploads: boolean
  /** Where it is. */
  photo?: string
  /** What they start next, the same until it was accepted: its key stays, too. */
  request?: object
  /** Cancels what takes her too long. */
  isImpatient: boolean
  /** Redoes what she is shown. */
  isPicky: boolean
  /** Deletes what they have seen. */
  isShy: boolean
  /** Leaves it at what is over. */
  isDone?: boolean
  /** Starts one task after another. */
  isEager: boolean
  asks: number
}

export async function createPeople(world: World): Promise<Person[]> {
  const { random } = world
  const people: Person[] = []
  const { quota, mostAttempts, budget, listsAlone, beginsBehind } = world.weather
  const isLimited = quota !== undefined || mostAttempts < 3 || budget !== undefined
  for (let index = 1; index <= random.between(1, 3); index += 1) {
    const name = `person-${index}`
    const { token } = await openSession(world.outside.deps, name)
    // No budget of a weather is enough for a training, nor for a clip.
    const dear = budget ? {} : { clip: 3, avatar: 3 }
    const atFal = listsAlone === 'fal' ? { avatar: 100 } : {}
    const recipe = random.weighted({ 'try-on': 7, memes: 2.5, unmarked: 1.5, ...dear, ...atFal })
    people.push({
      ...{ name, token, recipe, accepted: [], views: [], redone: new Map(), asks: 0 },
      steps: Number(random.weighted({ 1: 1, 2: 4, 3: 2 })),
      auto: random.chance(0.2),
      uploads: (recipe === 'try-on' || recipe === 'clip') && random.chance(beginsBehind ? 0.9 : 0.3),
      isImpatient: random.chance(0.3),
      isShy: random.chance(0.25),
      isPicky: random.chance(isLimited || world.weather.echoes ? 0.6 : 0.55),
      isEager: recipe === 'memes' || random.chance(world.weather.quota || world.weather.budget ? 0.6 : 0.3),
    })
  }
  return people
}

/** One thing that a person may do now. */
export async function act(world: World, person: Person): Promise<void> {
  if (!person.taskId) return startTask(world, person)
  if (person.lastRedo && world.random.chance(0.12)) return redoAgain(world, person, person.lastRedo)
  const { seen } = person
  // One batch of memes at a time: whoever wants the next one too early is refused.
  const again = { 'start another': person.isEager ? 2 : 0, fork: canFork(person) ? 2 : 0 }
  const shy = { delete: person.isShy ? 1.5 : 0.05 }
  const late = { 'choose late': isLate(person) ? 5 : 0 }
  const hasty = { cancel: person.isImpatient ? 3 : 0.2, continue: 0.5, redo: 0.2 }
  const whatever = { status: 10, ...hasty, ...shy, ...again, ...late }
  const redone = person.isPicky && (person.redone.get(person.taskId) ?? 0) < 3 ? 12 : 1.5
  const choosing = hasChoice(seen) ? { choose: 6, 'continue with': 8, 'redo and choose': 8 } : {}
  const waiting = { continue: 8, 'continue blindly': 2, redo: redone, status: 3, cancel: 0.5, ...choosing, ...again }
  const failed = { redo: 4, status: 4, ...shy, ...again, ...late }
  const weights = seen?.status === 'waiting_continue' ? waiting : seen?.status === 'failed' ? failed : whatever
  const deed = world.random.weighted<string>(weights)
  if (deed === 'start another') return startTask(world, person)
  if (deed === 'fork') return startFork(world, person)
  if (deed === 'status') return look(world, person)
  if (deed === 'delete') return void (await erase(world, person, person.taskId))
  if (deed === 'cancel') return post(world, person, 'cancel', cancel, { task_id: person.taskId })
  if (deed === 'redo') return redoTask(world, person)
  if (deed === 'redo and choose') await redoTask(world, person)
  if (deed === 'choose late') return choosePicture(world, person, person.otherWindow)
  if (deed === 'choose' || deed === 'redo and choose') return choosePicture(world, person, seen)
  if (deed === 'continue with') return continueWith(world, person)
  const step = seen?.current_step ?? 0
  const body = { task_id: person.taskId, ...(step > 0 && { step }) }
  return post(world, person, 'continue', continueEndpoint, deed === 'continue' ? body : { task_id: person.taskId })
}

/** There is more than one picture of the step that is shown. */
const hasChoice = (seen: TaskView | undefined): boolean => (picturesOf(seen)?.length ?? 0) > 1

const picturesOf = (seen: TaskView | undefined) =>
  seen?.steps[seen.current_step - 1]?.attempts.filter(({ result_url }) => result_url !== null)

/** The gate that another window shows may be over. */
const isLate = ({ seen, otherWindow }: Person): boolean =>
  otherWindow !== undefined && otherWindow.task_id === seen?.task_id && seen.status !== 'waiting_continue'

/** Some picture of the step, whether it is the newest or not; the page may be out of date by now. */
const wishOf = ({ random }: World, shown: TaskView | undefined) => ({
  ...{ task_id: shown?.task_id, step: shown?.current_step },
  attempt: random.pick(picturesOf(shown) ?? [])?.attempt,
})

const choosePicture = (world: World, person: Person, shown: TaskView | undefined): Promise<void> =>
  post(world, person, 'choose', choose, wishOf(world, shown))

const continueWith = (world: World, person: Person): Promise<void> =>
  post(world, person, 'continue', continueEndpoint, wishOf(world, person.seen))

/** In the calm, too: a choice that comes while the step is made once more. */
export async function chooseLate(world: World, person: Person): Promise<void> {
  if (isLate(person) && world.random.chance(0.5)) await choosePicture(world, person, person.otherWindow)
}

/** Somebody is just writing what the person's task has made. */
export const isCopied = ({ scheduler }: World, { taskId }: Person): boolean =>
  taskId !== undefined && scheduler.isUnderWay(`blob set results/${taskId}/`)

/** Before whoever copies has come to an end. */
export async function eraseInHaste(world: World, person: Person): Promise<void> {
  if (person.taskId) world.scheduler.hurry(await erase(world, person, person.taskId))
}

/** Asked for again until it is answered. A 404 is an answer, too: an earlier request had come through. */
function erase(world: World, person: Person, task_id: string): Promise<Activity> {
  if (!world.erased.has(task_id)) world.erased.set(task_id, 'asked')
  const request = new Request(`${publicUrl}/api/delete`, {
    ...{ method: 'POST', body: JSON.stringify({ task_id }), headers: { authorization: `Bearer ${person.token}` } },
  })
  return world.call(`${person.name} asks to delete`, deleteEndpoint, request, async ({ ok, status }) => {
    if (!ok && status !== 404) return
    world.erased.set(task_id, 'gone')
    if (person.taskId === task_id) forget(person)
  })
}

function forget(person: Person): void {
  delete person.taskId
  delete person.seen
  delete person.lastRedo
}

/** The request that was sent last, by a proxy or a client that heard no answer. */
export const redoAgain = (world: World, person: Person, body: Redo): Promise<void> =>
  post(world, person, 'redo', redo, body)

/** A redo of a task that isn't there. */
export const raiseForNothing = (world: World, person: Person): Promise<void> =>
  post(world, person, 'redo', redo, { task_id: '01900000-0000-7000-8000-ffffffffffff' })

/** Sometimes of an earlier task, while a newer one may be running. */
export function redoTask(world: World, person: Person): Promise<void> {
  const task_id = (world.random.chance(0.3) && world.random.pick(person.accepted)) || (person.taskId ?? '')
  const step = task_id === person.taskId ? (person.seen?.current_step ?? 0) : 0
  person.redone.set(task_id, (person.redone.get(task_id) ?? 0) + 1)
  const attempt = step > 0 ? person.seen?.steps.find((view) => view.step === step)?.attempt : undefined
  const body: Redo = { task_id, ...(step > 0 && { step }), ...(attempt && { attempt }) }
  // Without what was seen, what comes again is a wish of its own.
  if (attempt) person.lastRedo = body
  return post(world, person, 'redo', redo, body, {}, (_view, status) => {
    if (attempt && status === 202) person.acceptedRedo = body
  })
}

/** Retried with the same key until it was accepted: that is what the key is for. */
export async function startTask(world: World, person: Person): Promise<void> {
  if (person.uploads && !person.photo) return uploadPhoto(world, person)
  person.request ??= requestOf(person)
  const key = `${person.name}-${person.accepted.length + 1}`
  return post(world, person, 'start', start, person.request, { 'idempotency-key': key }, (answer) => {
    delete person.request
    if (!person.accepted.includes(answer.task_id)) person.accepted.push(answer.task_id)
    if (answer.task_id !== person.taskId) delete person.seen
    person.taskId = answer.task_id
  })
}

const stepToForkFrom = ({ seen }: Person) => seen?.steps.findLast(({ result_url }) => result_url !== null)?.step

const canFork = (person: Person): boolean => person.recipe === 'try-on' && stepToForkFrom(person) !== undefined

/** Another way from a picture that is there: one garment on it. */
function startFork(world: World, person: Person): Promise<void> {
  const from = { task_id: person.seen?.task_id, step: stepToForkFrom(person) }
  const auto_continue = world.random.chance(0.6)
  person.request ??= { from, garments: ['https://images.test/fork.png'], auto_continue }
  return startTask(world, person)
}

function requestOf({ recipe, steps, auto, photo }: Person): object {
  const each = <T>(make: (index: number) => T) => Array.from({ length: steps }, (_, index) => make(index))
  if (recipe === 'memes') return { recipe, prompts: each((index) => `a cat, ${index}`) }
  if (recipe === 'unmarked') return { recipe, prompt: 'a cat' }
  if (recipe === 'clip') return { recipe, image: photo ?? 'https://images.test/harbour.png', auto_continue: auto }
  const training_type = steps === 1 ? 'portrait' : 'style'
  if (recipe === 'avatar') return { recipe, training_type, images_url: 'https://images.test/photos.zip' }
  const garments = each((index) => `https://images.test/garment-${index}.png`)
  return { person_image: photo ?? 'https://images.test/person.png', garments, auto_continue: auto }
}

/** An upload whose answer is lost is made again: the first is nobody's, and is swept. */
async function uploadPhoto(world: World, person: Person): Promise<void> {
  const request = new Request(`${publicUrl}/api/upload`, {
    method: 'POST',
    body: Buffer.from(blank.bytes),
    headers: { authorization: `Bearer ${person.token}`, 'content-type': blank.type },
  })
  await world.call(`${person.name} uploads`, upload, request, async (response) => {
    if (response.ok) person.photo = ((await response.json()) as Uploaded).url
  })
}

export async function look(world: World, person: Person): Promise<void> {
  const request = new Request(`${publicUrl}/api/status?task_id=${person.taskId}`, {
    headers: { authorization: `Bearer ${person.token}` },
  })
  await world.call(`${person.name} looks`, status, request, async (response) => {
    // Its deletion had come through, and the answer was lost.
    if (response.status === 404 && world.erased.has(person.taskId ?? '')) return forget(person)
    await hear(person, response)
  })
  if (person.seen && world.random.chance(0.15)) await downloadShown(world, person, person.seen)
}

async function post(
  world: World,
  person: Person,
  name: string,
  endpoint: Endpoint,
  body: object,
  headers: Record<string, string> = {},
  told: (view: TaskView, status: number) => void = () => undefined,
): Promise<void> {
  person.asks += 1
  const request = new Request(`${publicUrl}/api/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${person.token}`, ...headers },
  })
  await world.call(`${person.name} asks to ${name}`, endpoint, request, async (response) => {
    if (response.ok) told((await response.clone().json()) as TaskView, response.status)
    if (name !== 'start') await hear(person, response)
  })
}

async function hear(person: Person, response: Response): Promise<void> {
  if (!response.ok) return
  const view = (await response.json()) as TaskView
  if (view.task_id === person.taskId) person.seen = view
  if (view.status === 'waiting_continue' && hasChoice(view)) person.otherWindow = view
  person.views.push(view)
}
