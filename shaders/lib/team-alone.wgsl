// A team is a group of invocations that sum together. Here each invocation is its own team. This is for software
// adapters without subgroups: there a sum across invocations needs barriers, which cost more than all loads. For teams
// of several, team.wgsl and team-subgroup.wgsl have the same names.

const ROUNDS = (SLOTS + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;

struct TeamInput {
  @builtin(local_invocation_index) index: u32,
}

struct Team {
  index: u32, // of the team in its workgroup
  count: u32, // teams in the workgroup
  lane: u32, // of the invocation in its team
  size: u32, // invocations in the team
}

fn find_team(input: TeamInput) -> Team {
  return Team(input.index, WORKGROUP_SIZE, 0u, 1u);
}

fn team_sum(value: vec4f, team: Team) -> vec4f {
  return value;
}
