import { render } from "preact";
import * as z from "zod";
import "../style.css";
import { Dashboard } from "./dashboard.ts";
import { DashboardApi } from "./dashboard-api.ts";
import { DashboardPage } from "./dashboard-page.tsx";
import { takeToken } from "./token.ts";

z.config({ jitless: true }); // the page's policy forbids code made from text

const api = new DashboardApi(new URL(".", location.href).href);
api.token = takeToken(window, sessionStorage);
const dashboard = new Dashboard(api, window);
render(<DashboardPage dashboard={dashboard} />, document.querySelector("#app")!);
void dashboard.start();
