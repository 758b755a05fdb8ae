// The figures of a span of days.
import { fetchData } from "../graphql.js";

const FIGURES = `query Figures($since: DateTime!, $until: DateTime!, $by: [StatisticsGroup!]!, $filter: StatisticsFilter, $zone: String!) {
  statistics(since: $since, until: $until, groupBy: $by, filter: $filter, timeZone: $zone) {
    startsAt cause domain sourceType relay campaign { id title } sender { id name }
    sent accepted deferred refused bounced complained opened clicked received medianSeconds p95Seconds
  }
}`;

/** Rows of `statistics`: of each day, or the largest group first. Throws Refused when there are more than it gives. */
export const readFigures = async (variables, options) => (await fetchData(FIGURES, variables, options)).statistics;
