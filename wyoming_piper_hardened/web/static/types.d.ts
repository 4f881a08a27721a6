/** Answers of the API, field by field as its OpenAPI document has them. */

export interface Status {
  version: string;
  started_at: number;
  uptime: number;
  ready: boolean;
  voice: string;
  default_voice: DefaultVoice;
  speaks: string | null;
  workers: WorkerStatus[];
  queue: { requests: number; waiting_segments: number; quarantined_texts: number };
  jobs: Job[];
  finished_jobs: FinishedJob[];
  issues: Issue[];
  requests: RequestRecord[];
  commands: CommandRecord[];
  recent_log: LogEntry[];
  voices_revision: number;
  voices_installed: number;
  voices_unavailable: number;
  memory: number;
}

export interface DefaultVoice {
  name: string;
  voice: string;
  origin: string;
  setting: string;
}

export interface WorkerStatus {
  name: string;
  state: string;
  pid: number | null;
  memory: number;
  segments: number;
  restarts: number;
  last_failure: Failure | null;
  last_failure_at: number | null;
}

export interface Failure {
  kind: string;
  at: string;
  detail: Record<string, any>;
  message: string;
}

export interface Job {
  id: string;
  voice: string;
  action: string;
  progress: Progress;
}

export interface Moment {
  started_at: number;
  uptime: number;
}

export interface Started {
  job: Job;
  as_of: Moment;
}

export interface Cancelled {
  cancelled: string;
  as_of: Moment;
}

export interface Progress {
  step: string;
  file: string;
  done: number;
  total: number;
}

export interface FinishedJob {
  id: string;
  voice: string;
  action: string;
  outcome: string;
  code: string;
  message: string;
}

export interface Issue {
  id: string;
  kind: string;
  subject: string;
  code: string;
  params: Record<string, any>;
  message: string;
  suggestion: string | null;
  applicable: boolean;
  dismissible: boolean;
  needed: boolean;
}

export interface RequestRecord {
  id: string;
  at: number;
  voice: string;
  outcome: string;
  characters: number;
  segments: number;
  replays: number;
  queue_wait: number | null;
  first_audio: number | null;
  audio: number;
  duration: number;
  real_time_factor: number | null;
  text: string | null;
}

export interface CommandRecord {
  at: number;
  command: string;
  outcome: string;
  message: string;
  duration: number;
}

export interface LogEntry {
  at: number;
  level: string;
  event: string;
  text: string;
  params: Record<string, any>;
}

export interface TextPreview {
  segments: SegmentPreview[];
  problem: PreviewProblem | null;
}

export interface SegmentPreview {
  text: string;
  spoken: string;
  phonemes: string[] | null;
  pause: number;
  rate: number;
  gain: number;
}

export interface PreviewProblem {
  code: string;
  message: string;
}

export interface Dictionary {
  version: string;
  file: string | null;
  entries: DictionaryEntry[];
  errors: DictionaryError[];
}

export interface DictionaryEntry {
  language: string;
  word: string;
  spoken: string;
  file: string;
}

export interface DictionaryError {
  file: string;
  line: number;
  code: string;
  message: string;
}

export interface PresetOptions {
  voice: string;
  speaker: string | null;
  length_scale: number | null;
  noise_scale: number | null;
  noise_w_scale: number | null;
  volume: number | null;
  sentence_silence: number | null;
  silence_before: number | null;
  silence_after: number | null;
  dictionary: string[];
}

export interface Preset extends PresetOptions {
  name: string;
  language: string | null;
  default: boolean;
  fixed: boolean;
}

export interface SpeechRequest extends Partial<PresetOptions> {
  text: string;
}

export interface Voice {
  name: string;
  language: string;
  language_name: string;
  country: string;
  quality: string;
  speakers: string[];
  number_of_speakers: number;
  sample_rate: number | null;
  bytes: number;
  state: string;
  default: boolean;
  prepared: boolean | null;
  version: string | null;
  available_version: string | null;
  issues: string[];
}

export interface ModelCard {
  license: string | null;
  text: string;
}

export interface Catalogue {
  fetched_at: number | null;
  offline: boolean;
}
