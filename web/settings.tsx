// What a person chose about the page itself, language and colours, kept in the browser. Every component reads its words from here.
import { type ComponentChildren, createContext } from 'preact'
import { useContext, useEffect, useMemo, useState } from 'preact/hooks'
import { keep, kept } from './kept.ts'
import type { Words } from './words/en.ts'
import { en } from './words/en.ts'
import { ru } from './words/ru.ts'

const languages = { en, ru }
export type Language = keyof typeof languages
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

interface Settings {
  words: Words
  language: Language
  theme: Theme
  setLanguage(language: Language): void
  setTheme(theme: Theme): void
}

const SettingsContext = createContext<Settings | undefined>(undefined)

export function useSettings(): Settings {
  const settings = useContext(SettingsContext)
  if (!settings) throw new Error('useSettings needs a SettingsProvider around it')
  return settings
}

export const useWords = (): Words => useSettings().words

export function SettingsProvider({ children }: { children: ComponentChildren }) {
  const [language, setLanguage] = useState<Language>(firstLanguage)
  const [theme, setTheme] = useState<Theme>(() => themes.find((one) => one === kept('theme')) ?? 'auto')
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
  }, [theme])
  const settings = useMemo<Settings>(
    () => ({
      words: languages[language],
      language,
      theme,
      setLanguage: (chosen) => {
        keep('language', chosen)
        setLanguage(chosen)
      },
      setTheme: (chosen) => {
        keep('theme', chosen)
        setTheme(chosen)
      },
    }),
    [language, theme],
  )
  return <SettingsContext.Provider value={settings}>{children}</SettingsContext.Provider>
}

/** The person's own choice, else the first of the browser's languages that is spoken here. */
function firstLanguage(): Language {
  const wanted = [kept('language'), ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase())
  return wanted.find((tag): tag is Language => tag === 'en' || tag === 'ru') ?? 'en'
}
