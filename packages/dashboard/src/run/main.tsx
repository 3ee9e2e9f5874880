import { render } from "preact";
import * as z from "zod";
import "../style.css";
import { pageAddress } from "./page-address.ts";
import { RunApi } from "./run-api.ts";
import { ServerPage } from "./server-page.tsx";
import { Watch } from "./watch.ts";

z.config({ jitless: true }); // the page's policy forbids code made from text

const { root, run } = pageAddress(location.href);
const watch = new Watch(new RunApi(root), sessionStorage);
render(<ServerPage watch={watch} root={root} />, document.querySelector("#app")!);
void watch.start(run);
