import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Run = Schemas["RunSummary"];
export type RunDetail = Schemas["RunDetail"];
export type RunPage = Schemas["RunList"];
export type StepRun = Schemas["StepRunDetail"];
export type Attempt = Schemas["AttemptDetail"];
export type Line = Schemas["Line"];
export type Job = Schemas["JobRow"];
export type BrokenJob = Schemas["BrokenJob"];
