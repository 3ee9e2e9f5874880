import { render } from "preact";
import "../style.css";
import { JoinPage } from "./join-page.tsx";
import { obstacle, takeLink } from "./link.ts";
import { Training } from "./training.ts";

const link = takeLink(location, history, sessionStorage);
render(<JoinPage link={link} obstacle={obstacle(link)} training={new Training()} />, document.querySelector("#app")!);
