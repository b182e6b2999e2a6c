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

const en = {
  buttons: {
    ...{ continue: '▶️ Continue', redo: '🔁 Again', cancel: '⏹ Stop', attempts: '🖼 Choose', choose: '✅ Take this one' },
    ...{ delete: '🗑 Delete everything', keep: 'Keep it' },
  },
  recipe: (name: string) => namesEn[name] ?? name,
  /** A picture on the way. */
  picture: ({ recipe, step, total }: Progress) => `${titleEn(recipe)}: ${step} of ${total}.`,
  waiting: ({ recipe, step, total }: Progress) =>
    step < total
      ? `${titleEn(recipe)}: step ${step} of ${total} is done. Go on to the next one?`
      : `${titleEn(recipe)}: step ${step} of ${total} is done.`,
  /** A gate that would have opened by itself, had there been money left. */
  overBudget: ({ recipe, step, total }: Progress) =>
    `⏸ ${titleEn(recipe)}: step ${step} of ${total} is done, and the next would cost more than is left today.`,
  completed: ({ recipe, total }: Progress) =>
    total > 1 ? `${titleEn(recipe)}: ${total} of ${total}. ✅ All done.` : `✅ ${titleEn(recipe)}: done.`,
  failed: ({ recipe, step, total }: Progress, why: string) =>
    `❌ ${titleEn(recipe)}: step ${step} of ${total} did not work: ${why}.`,
  /** Beside the button that tries again what may have been begun. */
  paidTwice: 'Try it again if you accept that it may be paid for twice.',
  canceled: ({ recipe }: Progress) => `⏹ ${titleEn(recipe)}: stopped. What was made stays.`,
  expired: ({ recipe }: Progress) =>
    `⌛ ${titleEn(recipe)}: closed, because nobody went on in time. What was made stays.`,
  closing: ({ recipe, step, total }: Progress) =>
    `⏳ ${titleEn(recipe)}: step ${step} of ${total} still waits for you, and closes within a day.`,
  budget: (percent: number) =>
    percent >= 100
      ? 'Your limit for today is reached; it starts anew at midnight UTC.'
      : `${percent}% of your limit for today is used.`,
  /** A result that can't be sent here. */
  unsendable: 'The result cannot be sent here; the page has it.',
}

type Words = typeof en

const ru: Words = {
  buttons: {
    ...{ continue: '▶️ Дальше', redo: '🔁 Ещё раз', cancel: '⏹ Стоп', attempts: '🖼 Выбрать', choose: '✅ Взять этот' },
    ...{ delete: '🗑 Удалить всё', keep: 'Оставить' },
  },
  recipe: (name) => namesRu[name] ?? name,
  picture: ({ recipe, step, total }) => `${titleRu(recipe)}: ${step} из ${total}.`,
  waiting: ({ recipe, step, total }) =>
    step < total
      ? `${titleRu(recipe)}: шаг ${step} из ${total} готов. Продолжаем?`
      : `${titleRu(recipe)}: шаг ${step} из ${total} готов.`,
  overBudget: ({ recipe, step, total }) =>
    `⏸ ${titleRu(recipe)}: шаг ${step} из ${total} готов, а следующий стоил бы больше, чем осталось на сегодня.`,
  completed: ({ recipe, total }) =>
    total > 1 ? `${titleRu(recipe)}: ${total} из ${total}. ✅ Всё готово.` : `✅ ${titleRu(recipe)}: готово.`,
  failed: ({ recipe, step, total }, why) => `❌ ${titleRu(recipe)}: шаг ${step} из ${total} не получился: ${why}.`,
  paidTwice: 'Попробуйте ещё раз, если согласны, что это может быть оплачено дважды.',
  canceled: ({ recipe }) => `⏹ ${titleRu(recipe)}: остановлено. Готовое сохранено.`,
  expired: ({ recipe }) => `⌛ ${titleRu(recipe)}: закрыто, ответа не было слишком долго. Готовое сохранено.`,
  closing: ({ recipe, step, total }) =>
    `⏳ ${titleRu(recipe)}: шаг ${step} из ${total} всё ещё ждёт ответа и закроется в течение суток.`,
  budget: (percent) =>
    percent >= 100
      ? 'Лимит на сегодня исчерпан; он обновится в полночь по UTC.'
      : `Использовано ${percent}% лимита на сегодня.`,
  unsendable: 'Этот результат нельзя прислать сюда; он есть на странице.',
}

export const words: Record<Language, Words> = { en, ru }

const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const titleEn = (recipe: string) => upper(namesEn[recipe] ?? recipe)
const titleRu = (recipe: string) => upper(namesRu[recipe] ?? recipe)

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
