import { render } from "preact";
import * as z from "zod";
import "../style.css";
import { RunApi } from "./run-api.ts";
import { RunPage } from "./run-page.tsx";
import { Watch } from "./watch.ts";

z.config({ jitless: true }); // the page's policy forbids code made from text

const watch = new Watch(new RunApi(new URL(".", location.href).href), sessionStorage);
render(<RunPage watch={watch} />, document.querySelector("#app")!);
void watch.start();
