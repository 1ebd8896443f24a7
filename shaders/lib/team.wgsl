// A team is a group of invocations that sum together; here the workgroup of WORKGROUP_SIZE (a power of two) is one
// team, through workgroup memory. For devices without subgroups; team-subgroup.wgsl and team-alone.wgsl have the same
// names.

const ROUNDS = SLOTS;

struct TeamInput {
  @builtin(local_invocation_index) index: u32,
}

struct Team {
  index: u32, // of the team in its workgroup
  count: u32, // teams in the workgroup
  lane: u32, // of the invocation in its team
  size: u32, // invocations in the team
}

var<workgroup> team_scratch: array<vec4f, WORKGROUP_SIZE>;

fn find_team(input: TeamInput) -> Team {
  return Team(0u, 1u, input.index, WORKGROUP_SIZE);
}

fn team_sum(value: vec4f, team: Team) -> vec4f {
  team_scratch[team.lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (team.lane < half) {
      team_scratch[team.lane] += team_scratch[team.lane + half];
    }
    workgroupBarrier();
  }
  let sum = team_scratch[0];
  workgroupBarrier();
  return sum;
}
