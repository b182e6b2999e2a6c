// The frame around every view: the way home and to the history, language and colours, and the strips that speak for the whole page.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Trouble } from './client.ts'
import { HumanCheck } from './human-check.tsx'
import { Drawn, Logo } from './parts/icons.tsx'
import { go, historyPath, homePath, type Route, useRoute } from './route.ts'
import { onNewUser } from './session.ts'
import { themes, useSettings, useWords } from './settings.tsx'
import { useTakeOvers } from './take-over.ts'
import { TroubleContext, TroubleStrip } from './trouble.tsx'
import { useKeptFocus } from './use-kept-focus.ts'
import { useTitle } from './use-title.ts'
import { History } from './views/history.tsx'
import { NewTask } from './views/new.tsx'
import { TaskPage } from './views/task.tsx'
import { onLeftByTab } from './wakes.ts'

export function App() {
  const { words, language } = useSettings()
  const { frame } = words
  const route = useRoute()
  const takeOvers = useTakeOvers(language)
  const [trouble, setTrouble] = useState<Trouble>()
  const main = useRef<HTMLElement>(null)
  useFocusOnChange(route, main)
  useKeptFocus()
  useEffect(() => onLeftByTab(beginAnew), [])
  return (
    <TroubleContext.Provider value={setTrouble}>
      <button type="button" class="skip button primary" onClick={() => main.current?.focus()}>
        {frame.skip}
      </button>
      <Header route={route} />
      <TroubleStrip trouble={trouble} />
      <NewSession />
      <HumanCheck />
      <main id="main" ref={main} tabIndex={-1}>
        <View key={takeOvers} route={route} />
      </main>
    </TroubleContext.Provider>
  )
}

/** Whoever comes next finds no picture and no photo in this tab, either. */
function beginAnew(): void {
  go(homePath)
  location.reload()
}

function View({ route }: { route: Route }) {
  switch (route.view) {
    case 'new':
      return <NewTask recipe={route.recipe} />
    case 'task':
      return <TaskPage key={route.taskId} taskId={route.taskId} />
    case 'history':
      return <History />
    case 'unknown':
      return <Unknown />
  }
}

function Unknown() {
  const { frame } = useWords()
  useTitle(frame.notFound)
  return (
    <header class="lead">
      <h1>{frame.notFound}</h1>
      <a href={homePath}>{frame.home}</a>
    </header>
  )
}

/** A keyboard goes on where the new view begins; a first visit begins at the top. */
function useFocusOnChange(route: Route, main: { current: HTMLElement | null }): void {
  const isFirst = useRef(true)
  useEffect(() => {
    if (!isFirst.current) {
      window.scrollTo(0, 0)
      main.current?.focus({ preventScroll: true })
    }
    isFirst.current = false
  }, [route, main])
}

function Header({ route }: { route: Route }) {
  const { words, language, setLanguage, theme, setTheme } = useSettings()
  const { frame } = words
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto'
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label={`${frame.title}: ${frame.home}`}>
        <Logo />
        <span>{frame.title}</span>
      </a>
      <nav>
        <a class="top-link" href={historyPath} {...(route.view === 'history' && { 'aria-current': 'page' as const })}>
          <Drawn name="clock" />
          <span>{frame.history}</span>
        </a>
        <button
          type="button"
          class="top-link"
          lang={language === 'en' ? 'ru' : 'en'}
          title={frame.languageLabel}
          onClick={() => setLanguage(language === 'en' ? 'ru' : 'en')}
        >
          {frame.language}
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={frame.theme[theme]}
          title={frame.theme[theme]}
          onClick={() => setTheme(next)}
        >
          <Drawn name={theme === 'auto' ? 'auto' : theme === 'light' ? 'sun' : 'moon'} />
        </button>
      </nav>
    </header>
  )
}

function NewSession() {
  const { frame } = useWords()
  const [isTold, setTold] = useState(false)
  useEffect(() => onNewUser(() => setTold(true)), [])
  return (
    <div class="strip" role="status">
      {isTold && (
        <>
          <p>{frame.newSession}</p>
          <button type="button" class="icon-button" aria-label={frame.close} onClick={() => setTold(false)}>
            <Drawn name="close" />
          </button>
        </>
      )}
    </div>
  )
}
