// What the bot says of tasks, in English and Russian: events, buttons, the names of things. The channel and the commands speak with it.
export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]

/** Of a language tag such as `ru-RU`; Telegram doesn't always send one. */
export const languageOf = (tag: string | undefined): Language => (tag?.toLowerCase().startsWith('ru') ? 'ru' : 'en')

export interface Progress {
  recipe: string
  step: number
  total: number
}

interface Words {
  buttons: Record<'continue' | 'redo' | 'cancel' | 'attempts' | 'choose' | 'forget' | 'keep', string>
  recipe(name: string): string
  /** A picture on the way. */
  picture(progress: Progress): string
  waiting(progress: Progress): string
  /** A gate that would have opened by itself, had there been money left. */
  overBudget(progress: Progress): string
  completed(progress: Progress): string
  failed(progress: Progress, why: string): string
  /** Beside the button that tries again what may have been begun. */
  paidTwice: string
  canceled(progress: Progress): string
  expired(progress: Progress): string
  closing(progress: Progress): string
  budget(percent: number): string
  /** A result that can't be sent here. */
  unsendable: string
}

const en: Words = {
  buttons: {
    ...{ continue: '▶️ Continue', redo: '🔁 Again', cancel: '⏹ Stop', attempts: '🖼 Choose', choose: '✅ Take this one' },
    ...{ forget: '🗑 Delete everything', keep: 'Keep it' },
  },
  recipe: (name) => namesEn[name] ?? name,
  picture: ({ recipe, step, total }) => `${upper(en.recipe(recipe))}: ${step} of ${total}.`,
  waiting: ({ recipe, step, total }) =>
    step < total
      ? `${upper(en.recipe(recipe))}: step ${step} of ${total} is done. Go on to the next one?`
      : `${upper(en.recipe(recipe))}: step ${step} of ${total} is done.`,
  overBudget: ({ recipe, step, total }) =>
    `⏸ ${upper(en.recipe(recipe))}: step ${step} of ${total} is done, and the next would cost more than is left today.`,
  completed: ({ recipe, total }) =>
    total > 1
      ? `${upper(en.recipe(recipe))}: ${total} of ${total}. ✅ All done.`
      : `✅ ${upper(en.recipe(recipe))}: done.`,
  failed: ({ recipe, step, total }, why) =>
    `❌ ${upper(en.recipe(recipe))}: step ${step} of ${total} did not work: ${why}.`,
  paidTwice: 'Try it again if you accept that it may be paid for twice.',
  canceled: ({ recipe }) => `⏹ ${upper(en.recipe(recipe))}: stopped. What was made stays.`,
  expired: ({ recipe }) =>
    `⌛ ${upper(en.recipe(recipe))}: closed, because nobody went on in time. What was made stays.`,
  closing: ({ recipe, step, total }) =>
    `⏳ ${upper(en.recipe(recipe))}: step ${step} of ${total} still waits for you, and closes within a day.`,
  budget: (percent) =>
    percent >= 100
      ? 'Your limit for today is reached; it starts anew at midnight UTC.'
      : `${percent}% of your limit for today is used.`,
  unsendable: 'The result can not be sent here; the page has it.',
}

const ru: Words = {
  buttons: {
    ...{ continue: '▶️ Дальше', redo: '🔁 Ещё раз', cancel: '⏹ Стоп', attempts: '🖼 Выбрать', choose: '✅ Взять этот' },
    ...{ forget: '🗑 Удалить всё', keep: 'Оставить' },
  },
  recipe: (name) => namesRu[name] ?? name,
  picture: ({ recipe, step, total }) => `${upper(ru.recipe(recipe))}: ${step} из ${total}.`,
  waiting: ({ recipe, step, total }) =>
    step < total
      ? `${upper(ru.recipe(recipe))}: шаг ${step} из ${total} готов. Продолжаем?`
      : `${upper(ru.recipe(recipe))}: шаг ${step} из ${total} готов.`,
  overBudget: ({ recipe, step, total }) =>
    `⏸ ${upper(ru.recipe(recipe))}: шаг ${step} из ${total} готов, а следующий стоил бы больше, чем осталось на сегодня.`,
  completed: ({ recipe, total }) =>
    total > 1
      ? `${upper(ru.recipe(recipe))}: ${total} из ${total}. ✅ Всё готово.`
      : `✅ ${upper(ru.recipe(recipe))}: готово.`,
  failed: ({ recipe, step, total }, why) =>
    `❌ ${upper(ru.recipe(recipe))}: шаг ${step} из ${total} не получился: ${why}.`,
  paidTwice: 'Попробуйте ещё раз, если согласны, что это может быть оплачено дважды.',
  canceled: ({ recipe }) => `⏹ ${upper(ru.recipe(recipe))}: остановлено. Готовое сохранено.`,
  expired: ({ recipe }) => `⌛ ${upper(ru.recipe(recipe))}: закрыто, ответа не было слишком долго. Готовое сохранено.`,
  closing: ({ recipe, step, total }) =>
    `⏳ ${upper(ru.recipe(recipe))}: шаг ${step} из ${total} всё ещё ждёт ответа и закроется в течение суток.`,
  budget: (percent) =>
    percent >= 100
      ? 'Лимит на сегодня исчерпан; он обновится в полночь по UTC.'
      : `Использовано ${percent}% лимита на сегодня.`,
  unsendable: 'Этот результат нельзя прислать сюда; он есть на странице.',
}

export const words: Record<Language, Words> = { en, ru }

const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

const namesEn: Record<string, string> = {
  ...{ memes: 'memes', 'try-on': 'try-on', 'try-on-idm': 'try-on', avatar: 'avatar' },
  ...{ edit: 'edit', portraits: 'portraits', clip: 'clip' },
}
const namesRu: Record<string, string> = {
  ...{ memes: 'мемы', 'try-on': 'примерка', 'try-on-idm': 'примерка', avatar: 'аватар' },
  ...{ edit: 'правка', portraits: 'портреты', clip: 'ролик' },
}

const reasonsEn: Record<string, string> = {
  provider_failed: 'the model failed',
  provider_rejected: 'the model did not take the request',
  provider_canceled: 'it was stopped where it is made',
  prediction_lost: 'it was lost where it is made',
  result_lost: 'the result was gone before it could be kept',
  result_unusable: 'the result was not usable',
  provider_not_configured: 'this model is not set up here',
  request_invalid: 'the request could not be made',
  submission_unconfirmed: 'nobody knows whether it was begun',
  timed_out: 'it took too long',
  gate_expired: 'nobody went on in time',
  store_fault: 'the file store does not answer',
  pass_died: 'a process died in the middle of it',
}
const reasonsRu: Record<string, string> = {
  provider_failed: 'модель не справилась',
  provider_rejected: 'модель не приняла запрос',
  provider_canceled: 'генерацию остановили на стороне модели',
  prediction_lost: 'генерация потерялась на стороне модели',
  result_lost: 'результат пропал раньше, чем его сохранили',
  result_unusable: 'результат не годится',
  provider_not_configured: 'эта модель здесь не подключена',
  request_invalid: 'запрос не удалось составить',
  submission_unconfirmed: 'неизвестно, началась ли генерация',
  timed_out: 'это длилось слишком долго',
  gate_expired: 'ответа не было слишком долго',
  store_fault: 'хранилище файлов не отвечает',
  pass_died: 'процесс оборвался посреди работы',
}

/** A problem's code in a person's words. */
export const whyOf = (language: Language, code: string): string =>
  (language === 'ru' ? reasonsRu : reasonsEn)[code] ??
  (language === 'ru' ? 'что-то пошло не так' : 'something went wrong')
