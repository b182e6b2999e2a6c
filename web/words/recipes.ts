// What recipes and their fields are called, in each language. One that is not named here goes by its own name, in letters.
import { inLetters } from '../schema.ts'

interface RecipeWords {
  name: string
  title: string
  lead: string
}

const recipes = {
  en: {
    'try-on': {
      name: 'Try-on',
      title: 'Dress someone, piece by piece',
      lead: 'One photo of a person, a few garments. After every piece you see the picture and decide whether to go on; or all of them at once.',
    },
    edit: {
      name: 'Edit',
      title: 'Change a picture with a sentence',
      lead: 'Say what shall be different. Other pictures may show what to take from them.',
    },
    clip: {
      name: 'Clip',
      title: 'Make a picture move',
      lead: 'First you see the still that the film begins with. The film is made of it once you like it.',
    },
    avatar: {
      name: 'Avatar',
      title: 'Train an avatar',
      lead: 'From 10 to 20 photos of one person, or 4 to 20 of one style. Training takes a while; you can close this page meanwhile.',
    },
    portraits: {
      name: 'Portraits',
      title: 'Portraits of your avatar',
      lead: 'A trained avatar, and what it shall be shown as.',
    },
    memes: {
      name: 'Memes',
      title: 'A picture for every line',
      lead: 'Write up to ten lines, or give a topic. They become pictures one after another.',
    },
    'try-on-idm': {
      name: 'Try-on (IDM)',
      title: 'Dress someone, on IDM-VTON',
      lead: 'The model of 2024, for non-commercial use only.',
    },
  },
  ru: {
    'try-on': {
      name: 'Примерка',
      title: 'Примерьте вещь за вещью',
      lead: 'Одно фото человека и несколько вещей. После каждой вы видите картинку и решаете, идти ли дальше; или все вещи сразу.',
    },
    edit: {
      name: 'Правка',
      title: 'Измените картинку одной фразой',
      lead: 'Напишите, что должно стать другим. Другие картинки могут показать, что из них взять.',
    },
    clip: {
      name: 'Клип',
      title: 'Оживите картинку',
      lead: 'Сначала вы видите кадр, с которого начнётся фильм. Сам фильм делается, когда кадр вам нравится.',
    },
    avatar: {
      name: 'Аватар',
      title: 'Обучить аватар',
      lead: 'От 10 до 20 фото одного человека или от 4 до 20 одного стиля. Обучение идёт долго, страницу можно закрыть.',
    },
    portraits: {
      name: 'Портреты',
      title: 'Портреты вашего аватара',
      lead: 'Обученный аватар и то, каким его показать.',
    },
    memes: {
      name: 'Мемы',
      title: 'Картинка на каждую строчку',
      lead: 'Напишите до десяти строчек или назовите тему. Картинки появятся одна за другой.',
    },
    'try-on-idm': {
      name: 'Примерка (IDM)',
      title: 'Примерка на IDM-VTON',
      lead: 'Модель 2024 года, только для некоммерческого использования.',
    },
  },
} satisfies Record<string, Record<string, RecipeWords>>

const fields = {
  en: {
    avatar: 'The avatar',
    candidates: 'Pictures to choose from',
    garment: 'Which garment, counted from 1',
    garments: 'The garments',
    instead: 'What is put on in its place',
    image: 'The picture',
    images_url: 'The photos',
    person_image: 'The person',
    prompt: 'What it shall be',
    prompts: 'What each picture shall be',
    references: 'More pictures to take things from',
    seconds: 'Seconds',
    format: 'Shape',
    prompt_hints: 'Remarks',
    trigger_phrase: 'Its name in prompts',
  },
  ru: {
    avatar: 'Аватар',
    candidates: 'Картинок на выбор',
    garment: 'Которая из вещей, считая с 1',
    garments: 'Вещи',
    instead: 'Что надеть вместо неё',
    image: 'Картинка',
    images_url: 'Фото',
    person_image: 'Человек',
    prompt: 'Что должно получиться',
    prompts: 'Что на каждой картинке',
    references: 'Ещё картинки, из которых что-то взять',
    seconds: 'Секунды',
    format: 'Формат',
    prompt_hints: 'Пожелания',
    trigger_phrase: 'Имя для запросов',
  },
} satisfies Record<string, Record<string, string>>

type Language = keyof typeof recipes

export const recipesIn = (language: Language) => ({
  of(name: string): RecipeWords {
    const known: Readonly<Record<string, RecipeWords>> = recipes[language]
    return known[name] ?? { name: inLetters(name), title: inLetters(name), lead: '' }
  },
})

export const fieldsIn = (language: Language) => ({
  nameOf(name: string): string {
    const known: Readonly<Record<string, string>> = fields[language]
    return known[name] ?? inLetters(name)
  },
})
