// A team is a group of invocations that sum together. Here each subgroup is a team, of any size, without barriers or
// workgroup memory. For devices without subgroups, team.wgsl and team-alone.wgsl have the same names.

const ROUNDS = SLOTS;

struct TeamInput {
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
}

struct Team {
  index: u32, // of the team in its workgroup
  count: u32, // teams in the workgroup
  lane: u32, // of the invocation in its team
  size: u32, // invocations in the team
}

// Lanes are counted, not taken from the builtins. A subgroup may be larger than the workgroup, and some drivers report
// their largest size instead of the one they run.
fn find_team(input: TeamInput) -> Team {
  return Team(input.subgroup, input.subgroups, subgroupExclusiveAdd(1u), subgroupAdd(1u));
}

fn team_sum(value: vec4f, team: Team) -> vec4f {
  return subgroupAdd(value);
}
