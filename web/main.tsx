// Where the page begins.
import { render } from 'preact'
import { App } from './app.tsx'
import { catchLooseFiles } from './parts/picker.tsx'
import { answerWorker } from './push.ts'
import { SettingsProvider } from './settings.tsx'
import './style/index.css'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
render(
  <SettingsProvider>
    <App />
  </SettingsProvider>,
  root,
)
answerWorker()
catchLooseFiles()
