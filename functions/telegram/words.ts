// What the bot answers to commands, photos and buttons, in English and Russian. What it says of events is in notify/telegram/words.ts.
import type { ProblemCode } from '../../core/errors.ts'
import type { Status } from '../../core/task.ts'
import { type Language, type Progress, words as told } from '../../notify/telegram/words.ts'

const list = (lines: readonly (string | false)[]) => lines.filter((line) => line !== false).join('\n')
const recipeOf = (language: Language, name: string) => told[language].recipe(name)

const en = {
  /** Of what is offered here. */
  help: ({ edit, tryOn, memes }: Record<'edit' | 'tryOn' | 'memes', boolean>) =>
    list([
      'I make pictures, and send each one as soon as it is ready.\n',
      memes && '/generate 3 office cats: memes, one after another',
      edit && 'A photo with a caption: I change it as the caption says',
      tryOn && 'An album, a person first and then garments: I dress the person',
      '/status: your tasks, and how the system is',
      '/cancel: stop what is running',
      '/history: what you have made',
      '/delete: delete everything of yours',
    ]),
  linked: (page: string) => `🔗 This chat is now told of what you start on ${page}. /unlink ends it.`,
  notLinked: 'This link is not valid (any more). Make a new one on the page.',
  unlinked: 'This chat is told of your own tasks alone from now on.',
  wasNotLinked: 'This chat is linked to no page.',
  onlyPrivate: 'I only work in private chats.',
  unknownCommand: 'I do not know this. /help tells what I can do.',
  howMany: 'Say how many, 1 to 10, and perhaps about what (up to 200 characters): /generate 3 office cats',
  begun: ({ count, topic }: { count: number; topic: string }) =>
    `🔒 Making ${count === 1 ? 'a meme' : `${count} memes`} about “${topic}”, one after another.`,
  running: ({ recipe, step, total, status }: Progress & { status: Status }) =>
    `⚠️ A generation is already running: ${recipeOf('en', recipe)}, ${status === 'waiting_continue' ? 'waiting for you, ' : ''}${Math.max(step, 1)} of ${total}. Wait until it is done, or stop it.`,
  /** Somebody else's, of a recipe that runs once at a time for all. */
  runningElsewhere:
    '⚠️ A generation of somebody else is already running, and only one runs here at a time. Try again in a while.',
  photoAlone:
    'Send it once more with a caption that says what to change, or send an album: a person first, then garments.',
  editNotOffered: 'Changing a single photo is not set up here. Send an album instead: a person first, then garments.',
  tryOnNotOffered: 'Trying on garments is not set up here.',
  latePhoto: 'This photo of the album came too late, and was left out.',
  photosTaken: ({ garments }: { garments: number }) =>
    `👗 The first photo is the person, then ${garments === 1 ? 'comes one garment' : `come ${garments} garments`}. I send each step to you.`,
  editTaken: '🎨 Working on it.',
  nothingRuns: 'Nothing of yours is running.',
  whichOne: 'Which one shall be stopped?',
  noHistory: 'You have made nothing yet. /generate 3 makes a start.',
  history: 'Your newest tasks. A number shows its pictures again:',
  confirmDelete: 'Delete everything of yours: photos, results, words and history? It cannot be taken back.',
  deleted: 'Everything of yours is deleted here. What is in this chat stays in Telegram until you clear it.',
  deletionGoesOn: 'It is deleted for you; what is still stored goes within the hour.',
  kept: 'Nothing was deleted.',
  goesOn: ({ step, total }: Progress) => `On to step ${step} of ${total}.`,
  again: (step: number) => `Step ${step} is made once more.`,
  stopped: 'Stopped.',
  chosen: (attempt: number) => `Attempt ${attempt} it is.`,
  /** Over each attempt that is offered. */
  attempt: (attempt: number) => `Attempt ${attempt}`,
  noResults: 'There is no picture of it (any more).',
  decided: 'This was decided before; nothing was changed.',
  unknownButton: 'This button is not valid any more.',
  notYours: 'This is not a task of yours.',
  status: (status: Status, { recipe, step, total }: Progress) =>
    `${recipeOf('en', recipe)}: ${statusEn[status]}, ${Math.max(step, 1)} of ${total}`,
  lock: (progress: Progress | undefined) =>
    progress
      ? `🔒 Generation: BUSY (${recipeOf('en', progress.recipe)}, ${Math.max(progress.step, 1)} of ${progress.total})`
      : '🔓 Generation: FREE',
  memory: (mb: number, limit: number) => `💾 Memory: ${mb} MB of ${limit} MB`,
  system: (running: number) => (running === 0 ? '⚙️ System: free' : `⚙️ System: busy, ${running} in progress`),
  lastProblem: (why: string, minutes: number, mb: number | null) =>
    `🩺 Last problem: ${why}, ${ago('en', minutes)}${mb === null ? '' : ` (memory then: ${mb} MB)`}`,
  noProblem: '🩺 Last problem: none known',
  tasks: 'Your tasks:',
  noTasks: 'You have no unfinished tasks.',
  /** By a refusal's code. Of the others the person hears what `fault` says. */
  refused: {
    already_finished: 'It is over already.',
    already_running: 'Another generation is still running. Wait until it is done, or stop it.',
    not_waiting: 'This was decided before; nothing was changed.',
    not_found: 'This is not a task of yours.',
    not_choosable: 'This one cannot be chosen.',
    attempts_exceeded: 'This step was made as often as is allowed.',
    quota_exceeded: 'Your tasks for today are used up; they begin anew at midnight UTC.',
    budget_exceeded: 'That would cost more than is left today; the limit begins anew at midnight UTC.',
    storage_exceeded: 'Your results take all the room that they may. /delete makes some.',
    spending_stopped: 'Nothing new begins here for now. What runs is finished.',
    not_configured: 'That is not set up here.',
    body_too_large: 'The picture is too large: at most 20 MB.',
    unsupported_media_type: 'I cannot read this picture. Send a JPEG, PNG or WebP image.',
    invalid_request: 'I cannot take that.',
  } satisfies Partial<Record<ProblemCode, string>>,
  fault: 'Something went wrong on our side. Try again in a moment.',
}

type Words = typeof en

const ru: Words = {
  help: ({ edit, tryOn, memes }) =>
    list([
      'Я делаю картинки и присылаю каждую, как только она готова.\n',
      memes && '/generate 3 офисные коты: мемы, один за другим',
      edit && 'Фото с подписью: изменю его так, как сказано в подписи',
      tryOn && 'Альбом, сначала человек, потом одежда: примерю одежду на человека',
      '/status: ваши задачи и состояние системы',
      '/cancel: остановить генерацию',
      '/history: что вы уже сделали',
      '/delete: удалить всё ваше',
    ]),
  linked: (page) => `🔗 Теперь сюда приходят новости о том, что вы запускаете на ${page}. /unlink отключает это.`,
  notLinked: 'Эта ссылка не действует (или уже использована). Создайте новую на странице.',
  unlinked: 'Теперь сюда приходят новости только о задачах из этого чата.',
  wasNotLinked: 'Этот чат не связан со страницей.',
  onlyPrivate: 'Я работаю только в личных чатах.',
  unknownCommand: 'Этого я не знаю. /help подскажет, что я умею.',
  howMany: 'Напишите, сколько (от 1 до 10) и, если хотите, о чём (до 200 знаков): /generate 3 офисные коты',
  begun: ({ count, topic }) =>
    `🔒 Делаю ${count} ${plural(count, 'мем', 'мема', 'мемов')} на тему «${topic}», один за другим.`,
  running: ({ recipe, step, total, status }) =>
    `⚠️ Генерация уже выполняется: ${recipeOf('ru', recipe)}, ${status === 'waiting_continue' ? 'ждёт вас, ' : ''}${Math.max(step, 1)} из ${total}. Дождитесь конца или остановите её.`,
  runningElsewhere: '⚠️ Генерация уже выполняется у кого-то ещё, а здесь она бывает только одна. Попробуйте позже.',
  photoAlone: 'Пришлите фото ещё раз с подписью, что изменить, или альбом: сначала человек, потом одежда.',
  editNotOffered: 'Правка одного фото здесь не подключена. Пришлите альбом: сначала человек, потом одежда.',
  tryOnNotOffered: 'Примерка здесь не подключена.',
  latePhoto: 'Это фото из альбома пришло слишком поздно и не вошло в примерку.',
  photosTaken: ({ garments }) => `👗 Первое фото: человек, дальше одежда (${garments}). Пришлю каждый шаг сюда.`,
  editTaken: '🎨 Принято, работаю.',
  nothingRuns: 'У вас ничего не выполняется.',
  whichOne: 'Что остановить?',
  noHistory: 'Вы пока ничего не сделали. Начните с /generate 3.',
  history: 'Ваши последние задачи. Номер покажет картинки ещё раз:',
  confirmDelete: 'Удалить всё ваше: фото, результаты, тексты и историю? Вернуть это будет нельзя.',
  deleted: 'Всё ваше здесь удалено. Сам чат хранит Telegram, пока вы его не очистите.',
  deletionGoesOn: 'Для вас всё удалено; остатки исчезнут из хранилища в течение часа.',
  kept: 'Ничего не удалено.',
  goesOn: ({ step, total }) => `Перехожу к шагу ${step} из ${total}.`,
  again: (step) => `Шаг ${step} делается ещё раз.`,
  stopped: 'Остановлено.',
  chosen: (attempt) => `Взята попытка ${attempt}.`,
  attempt: (attempt) => `Попытка ${attempt}`,
  noResults: 'Картинок этой задачи нет (или уже нет).',
  decided: 'Это уже решено раньше; ничего не изменилось.',
  unknownButton: 'Эта кнопка больше не действует.',
  notYours: 'Это не ваша задача.',
  status: (status, { recipe, step, total }) =>
    `${recipeOf('ru', recipe)}: ${statusRu[status]}, ${Math.max(step, 1)} из ${total}`,
  lock: (progress) =>
    progress
      ? `🔒 Генерация: ЗАНЯТА (${recipeOf('ru', progress.recipe)}, ${Math.max(progress.step, 1)} из ${progress.total})`
      : '🔓 Генерация: СВОБОДНА',
  memory: (mb, limit) => `💾 Память: ${mb} MB из ${limit} MB`,
  system: (running) => (running === 0 ? '⚙️ Система: свободна' : `⚙️ Система: занята, в работе ${running}`),
  lastProblem: (why, minutes, mb) =>
    `🩺 Последняя проблема: ${why}, ${ago('ru', minutes)}${mb === null ? '' : ` (память тогда: ${mb} MB)`}`,
  noProblem: '🩺 Последняя проблема: неизвестна ни одна',
  tasks: 'Ваши задачи:',
  noTasks: 'Незаконченных задач нет.',
  refused: {
    already_finished: 'Это уже закончено.',
    already_running: 'Ещё идёт другая генерация. Дождитесь её или остановите.',
    not_waiting: 'Это уже решено раньше; ничего не изменилось.',
    not_found: 'Это не ваша задача.',
    not_choosable: 'Этот вариант выбрать нельзя.',
    attempts_exceeded: 'Больше попыток у этого шага нет.',
    quota_exceeded: 'Задачи на сегодня кончились; новые будут в полночь по UTC.',
    budget_exceeded: 'Это стоило бы больше, чем осталось на сегодня; лимит обновится в полночь по UTC.',
    storage_exceeded: 'Ваши результаты заняли всё отведённое место. /delete освободит его.',
    spending_stopped: 'Сейчас здесь не начинается ничего нового. Начатое будет закончено.',
    not_configured: 'Это здесь не подключено.',
    body_too_large: 'Картинка слишком большая: не больше 20 MB.',
    unsupported_media_type: 'Не могу прочитать эту картинку. Пришлите JPEG, PNG или WebP.',
    invalid_request: 'Так не получится.',
  },
  fault: 'У нас что-то пошло не так. Попробуйте чуть позже.',
}

export const words: Record<Language, Words> = { en, ru }

const statusEn: Record<Status, string> = {
  ...{ pending: 'begins', processing: 'in progress', waiting_continue: 'waits for you' },
  ...{ completed: 'done', failed: 'did not work', canceled: 'stopped' },
}
const statusRu: Record<Status, string> = {
  ...{ pending: 'начинается', processing: 'в работе', waiting_continue: 'ждёт вас' },
  ...{ completed: 'готово', failed: 'не получилось', canceled: 'остановлено' },
}

function plural(count: number, one: string, few: string, many: string): string {
  const [last, teen] = [count % 10, count % 100]
  if (last === 1 && teen !== 11) return one
  return last >= 2 && last <= 4 && (teen < 12 || teen > 14) ? few : many
}

function ago(language: Language, minutes: number): string {
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute' as const]
      : minutes < 2_880
        ? [Math.round(minutes / 60), 'hour' as const]
        : [Math.round(minutes / 1_440), 'day' as const]
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-count, unit)
}
