export * from 'heartwire/ws'
export { default, 'module.exports' } from 'heartwire/ws'
